"""Station 9: what the hospital is told, by mail and by HL7, of what became of its letter."""
