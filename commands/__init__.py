"""What `huitaine` does, one module per group of commands; cli.py only joins them."""
