//! What an operator reads about typical mistakes, word for word.

mod names;
mod routes;
mod surroundings;
mod syntax;
mod values;
