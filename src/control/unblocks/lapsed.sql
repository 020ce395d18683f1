-- Asks that nobody has answered: looked through at every step of the clock.
CREATE INDEX asks_awaited ON asks (lapses_at) WHERE decided = 'awaited';
