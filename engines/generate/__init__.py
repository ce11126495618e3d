"""Writing music: drums, melodies, basses, harmony."""
