"""How models are learnt: ways to learn, bytes until a model is good, and the speed of engines."""
