"""A planner without a model: prompts to canvases by tables and rules."""
