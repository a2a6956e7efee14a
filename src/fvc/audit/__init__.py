"""What a claimed score is worth."""
