def sum(numbers):
    """Return the sum of the numbers."""
    
