"""Dashboards as tables: queries, panels, the frame around them, and one module a dashboard."""
