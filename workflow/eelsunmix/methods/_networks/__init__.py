"""The three autoencoders: what they share, and the published networks."""
