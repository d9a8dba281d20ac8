"""What the dashboard does, without a browser: the only part of it that imports the floors below. No Streamlit here."""
