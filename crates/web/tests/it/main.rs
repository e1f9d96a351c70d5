//! The web server, over real HTTPS: a house of its own for each test, browsers that keep cookies and
//! send forms as browsers do.

mod account;
mod browser;
mod door;
mod forms;
mod headers;
mod matrix;
mod server;
mod site;
mod team;
