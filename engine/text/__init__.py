"""What can be done with words that are already there: no sound, no Django. `types` says what goes in and comes out."""
