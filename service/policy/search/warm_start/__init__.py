"""Learning from past sweeps: their first configs, and how far their ranks are believed."""
