"""What the time line of a video gives away: time stamps, cuts, repeats, stills, earlier compression."""
