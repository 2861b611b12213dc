"""How work is run: blocks of an image, who runs them, and the frame around one job."""
