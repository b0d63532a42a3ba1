//! The bbolt file format: pages, buckets, cursors, and the check that accounts for every page once.
