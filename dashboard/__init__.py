"""Roof: the Streamlit app. The only floor that draws on a screen."""
