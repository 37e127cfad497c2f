"""Rules as data: their language, their matching and their store."""
