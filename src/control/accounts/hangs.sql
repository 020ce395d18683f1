-- What hangs on an account goes in the same transaction as the row: no sudden end leaves it behind,
-- and whoever replays the journal comes to the same.
CREATE TRIGGER disabled_staff_keep_no_way_in AFTER UPDATE OF disabled ON staff WHEN NEW.disabled = 1
BEGIN
    DELETE FROM sessions WHERE staff = NEW.name;
    DELETE FROM tokens WHERE staff = NEW.name;
    DELETE FROM invitations WHERE staff = NEW.name;
END;
CREATE TRIGGER changed_staff_sign_in_anew AFTER UPDATE ON staff
WHEN NEW.roles <> OLD.roles OR (NEW.access_until IS NULL AND OLD.access_until IS NOT NULL)
BEGIN
    DELETE FROM sessions WHERE staff = NEW.name;
END;
