-- Whether the uploader keeps a file as evidence that is no etcd database.
ALTER TABLE uploads ADD COLUMN evidence BIGINT NOT NULL DEFAULT 0;
