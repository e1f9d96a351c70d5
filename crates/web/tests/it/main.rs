//! The web server, over real HTTPS.
