-- Other roles, another start: what was given out for the old ones opens nothing under the new. A link
-- that somebody else may hold, or a token that never saw a second factor, would.
CREATE TRIGGER changed_roles_keep_no_way_in AFTER UPDATE ON staff WHEN NEW.roles <> OLD.roles
BEGIN
    DELETE FROM tokens WHERE staff = NEW.name;
    DELETE FROM invitations WHERE staff = NEW.name;
END;
