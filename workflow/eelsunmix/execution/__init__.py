"""How work is run: blocks of an image, and the frame around one job."""
