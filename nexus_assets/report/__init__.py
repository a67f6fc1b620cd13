"""6 · Showing a person: one self-contained page per import, with counts, codes and pictures, and no patient data."""
