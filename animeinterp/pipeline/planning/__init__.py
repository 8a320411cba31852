"""What is current, what is missing and why."""
