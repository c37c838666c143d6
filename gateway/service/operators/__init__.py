"""What other MSSanté operators hand to us: whose certificate may write as whom, and where what they bring goes."""
