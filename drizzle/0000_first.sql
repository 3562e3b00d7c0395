CREATE SEQUENCE "audit_id" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "audit" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"id" bigint NOT NULL,
	"at" text COLLATE "C" NOT NULL,
	"commit_id" text COLLATE "C" NOT NULL,
	"idempotency_key" text COLLATE "C",
	"principal_id" text COLLATE "C" NOT NULL,
	"principal_name" text COLLATE "C" NOT NULL,
	"client" text COLLATE "C",
	"request_id" text COLLATE "C" NOT NULL,
	"address" text COLLATE "C",
	"action" text COLLATE "C" NOT NULL,
	"target" text COLLATE "C" NOT NULL,
	"target_id" text COLLATE "C",
	"message" text COLLATE "C" NOT NULL,
	"result" text COLLATE "C" NOT NULL,
	CONSTRAINT "audit_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
CREATE TABLE "commit_id" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"id" text COLLATE "C" NOT NULL,
	"outcome" text COLLATE "C" NOT NULL,
	"seq" bigint,
	CONSTRAINT "commit_id_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "commit_id_outcome" CHECK (outcome IN ('committed', 'void'))
);
--> statement-breakpoint
CREATE TABLE "entry" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"branch_id" text COLLATE "C" NOT NULL,
	"class" text COLLATE "C" NOT NULL,
	"namespace" text COLLATE "C" NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"from_seq" bigint NOT NULL,
	"to_seq" bigint NOT NULL,
	"rev" text COLLATE "C" NOT NULL,
	"object_id" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"tombstone" bigint NOT NULL,
	"metadata_location" text COLLATE "C",
	"locations" text COLLATE "C" NOT NULL,
	"properties" text COLLATE "C" NOT NULL,
	"summary" text COLLATE "C" NOT NULL,
	"trimmed" bigint NOT NULL,
	CONSTRAINT "entry_tenant_id_branch_id_class_namespace_name_from_seq_pk" PRIMARY KEY("tenant_id","branch_id","class","namespace","name","from_seq"),
	CONSTRAINT "entry_class" CHECK (class IN ('namespace', 'asset'))
);
--> statement-breakpoint
CREATE TABLE "folder" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"location" text COLLATE "C" NOT NULL,
	"object_id" text COLLATE "C" NOT NULL,
	CONSTRAINT "folder_tenant_id_location_object_id_pk" PRIMARY KEY("tenant_id","location","object_id")
);
--> statement-breakpoint
CREATE TABLE "guard" (
	"message" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"key" text COLLATE "C" NOT NULL,
	"fingerprint" text COLLATE "C" NOT NULL,
	"answer" text COLLATE "C" NOT NULL,
	"at" text COLLATE "C" NOT NULL,
	CONSTRAINT "idempotency_tenant_id_key_pk" PRIMARY KEY("tenant_id","key")
);
--> statement-breakpoint
CREATE TABLE "log" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"branch_id" text COLLATE "C" NOT NULL,
	"seq" bigint NOT NULL,
	"at" text COLLATE "C" NOT NULL,
	"ids" text COLLATE "C" NOT NULL,
	"records" text COLLATE "C" NOT NULL,
	"changes" text COLLATE "C" NOT NULL,
	CONSTRAINT "log_tenant_id_branch_id_seq_pk" PRIMARY KEY("tenant_id","branch_id","seq")
);
--> statement-breakpoint
CREATE TABLE "metrics_report" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"id" bigint NOT NULL,
	"object_id" text COLLATE "C" NOT NULL,
	"number" bigint NOT NULL,
	"at" text COLLATE "C" NOT NULL,
	"principal_id" text COLLATE "C" NOT NULL,
	"principal_name" text COLLATE "C" NOT NULL,
	"client" text COLLATE "C",
	"report" text COLLATE "C" NOT NULL,
	CONSTRAINT "metrics_report_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
CREATE TABLE "purge" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"id" text COLLATE "C" NOT NULL,
	"object_id" text COLLATE "C" NOT NULL,
	"warehouse_id" text COLLATE "C" NOT NULL,
	"metadata_location" text COLLATE "C" NOT NULL,
	"locations" text COLLATE "C" NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"cursor" text COLLATE "C",
	"created_at" text COLLATE "C" NOT NULL,
	CONSTRAINT "purge_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "purge_state" CHECK (state IN ('pending', 'done'))
);
--> statement-breakpoint
CREATE TABLE "purge_folder" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"location" text COLLATE "C" NOT NULL,
	"purge_id" text COLLATE "C" NOT NULL,
	"object_id" text COLLATE "C" NOT NULL,
	CONSTRAINT "purge_folder_tenant_id_location_purge_id_pk" PRIMARY KEY("tenant_id","location","purge_id")
);
--> statement-breakpoint
CREATE TABLE "record" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"id" text COLLATE "C" NOT NULL,
	"name" text COLLATE "C",
	"owner" text COLLATE "C",
	"doc" text COLLATE "C" NOT NULL,
	CONSTRAINT "record_tenant_id_kind_id_pk" PRIMARY KEY("tenant_id","kind","id")
);
--> statement-breakpoint
CREATE TABLE "ref" (
	"tenant_id" text COLLATE "C" NOT NULL,
	"id" text COLLATE "C" NOT NULL,
	"catalog_id" text COLLATE "C" NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"branch_id" text COLLATE "C" NOT NULL,
	"seq" bigint NOT NULL,
	"head_seq" bigint NOT NULL,
	"ancestors" text COLLATE "C" NOT NULL,
	"created_at" text COLLATE "C" NOT NULL,
	CONSTRAINT "ref_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "ref_kind" CHECK (kind IN ('branch', 'tag')),
	CONSTRAINT "ref_state" CHECK (state IN ('open', 'closed'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX "entry_current" ON "entry" USING btree ("tenant_id","branch_id","class","namespace","name") WHERE to_seq = 9007199254740991;--> statement-breakpoint
CREATE INDEX "entry_listing" ON "entry" USING btree ("tenant_id","branch_id","class","namespace","kind","name") WHERE to_seq = 9007199254740991 AND tombstone = 0;--> statement-breakpoint
CREATE INDEX "entry_object" ON "entry" USING btree ("tenant_id","object_id","branch_id","to_seq");--> statement-breakpoint
CREATE INDEX "entry_metadata" ON "entry" USING btree ("tenant_id","metadata_location") WHERE metadata_location IS NOT NULL;--> statement-breakpoint
CREATE INDEX "entry_trimmed" ON "entry" USING btree ("tenant_id","branch_id","to_seq") WHERE trimmed = 1;--> statement-breakpoint
CREATE INDEX "idempotency_at" ON "idempotency" USING btree ("tenant_id","at","key");--> statement-breakpoint
CREATE UNIQUE INDEX "metrics_report_number" ON "metrics_report" USING btree ("tenant_id","object_id","number");--> statement-breakpoint
CREATE INDEX "purge_pending" ON "purge" USING btree ("tenant_id","created_at","id") WHERE state = 'pending';--> statement-breakpoint
CREATE UNIQUE INDEX "record_name" ON "record" USING btree ("tenant_id","kind","name");--> statement-breakpoint
CREATE INDEX "record_owner" ON "record" USING btree ("tenant_id","kind","owner","id") WHERE owner IS NOT NULL;--> statement-breakpoint
CREATE INDEX "record_storage" ON "record" USING btree ((('s3://' || ((record.doc)::jsonb->'storage'->>'bucket') || '/' || ((record.doc)::jsonb->'storage'->>'prefix')) COLLATE "C"),"tenant_id") WHERE kind = 'warehouse';--> statement-breakpoint
CREATE UNIQUE INDEX "ref_name" ON "ref" USING btree ("tenant_id","catalog_id","name") WHERE state = 'open';--> statement-breakpoint
CREATE FUNCTION guard_raise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'PG409', MESSAGE = NEW.message;
END
$$;
--> statement-breakpoint
CREATE TRIGGER guard_raise BEFORE INSERT ON "guard" FOR EACH ROW EXECUTE FUNCTION guard_raise();
