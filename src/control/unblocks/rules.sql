-- Who may approve a request, and until when it waits: JSON with `approvers` and `answer_by`. A
-- request of before then is decided by those who answer for filtering, and waits until its end.
ALTER TABLE unblocks ADD COLUMN rules TEXT NOT NULL DEFAULT '{}';
