"""What Streamlit runs for every browser and every click.

Nothing is imported at the top: worker processes load the main module of their parent, which this file is, and they
must not load Streamlit with it.
"""

if __name__ == "__main__":
    from dashboard.router import main

    main()
