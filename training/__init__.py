"""Makes the tiny pipeline: SDXL's own architecture, trained from scratch on scenes of coloured shapes.

`python -m training.tiny FOLDER` trains it on a CPU. Nothing of the application imports this package.
"""
