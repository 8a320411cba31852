"""Pages and contact sheets: inspect, diff and report."""
