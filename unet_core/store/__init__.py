"""What a run is: its classes, its settings, its folder. Imports nothing of the package above it."""
