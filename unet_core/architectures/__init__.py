"""What a network is made of, without building it."""
