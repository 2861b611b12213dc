"""Linear algebra and geometry that several methods and stages share; plain NumPy."""
