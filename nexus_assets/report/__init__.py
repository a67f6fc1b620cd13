"""6 · Showing a person: one page per import that stands by itself, with counts, codes and pictures, and no patient data."""
