-- A database of schema version 4, as an earlier version of the emulator wrote it.
PRAGMA application_id = 1397576497;
PRAGMA user_version = 4;
BEGIN TRANSACTION;
CREATE TABLE accounts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        userid NOT NULL UNIQUE,
        arrived INTEGER NOT NULL,
        terms TEXT NOT NULL,
        postpaid INTEGER NOT NULL,
        throwaway INTEGER NOT NULL,
        used REAL NOT NULL,
        points INTEGER NOT NULL,
        charged_up INTEGER NOT NULL,
        messages INTEGER NOT NULL DEFAULT 0,
        dropped INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0
    );
INSERT INTO "accounts" VALUES(1,'12',1,'{"userid":"12","account":"test","password":"mima","points":1000,"postpaid":false,"may_read_reports":true,"clock":null,"dialect":null,"outcomes":{"rules":[{"number":"139","outcome":{"status":10,"errorcode":"DELIVRD","delay":0.0,"silent":true,"reply":"T","refusal":null},"share":0.5,"remaining":3},{"number":"138","outcome":{"status":20,"errorcode":"X","delay":60.0,"silent":false,"reply":null,"refusal":null},"share":1.0,"remaining":null}],"seed":7},"faults":[{"id":"dc1496a7","kind":"cut","operations":["overage"],"remaining":null,"share":0.25,"seed":3,"seconds":0.0,"seconds_max":null,"at":100,"status":500,"message":"","charset":"","acts":true,"seen":0},{"id":"217a55a5","kind":"empty","operations":["send"],"remaining":null,"share":0.0,"seed":1,"seconds":0.0,"seconds_max":null,"at":0,"status":500,"message":"","charset":"","acts":true,"seen":1}],"throwaway":false}',0,0,1322835131.0,1006,1010,4,0,62);
INSERT INTO "accounts" VALUES(2,'77',2,'{"userid":"77","account":"shop","password":"pw","points":50,"postpaid":false,"may_read_reports":false,"clock":{"at":1322835131.0,"since":1322835131.0,"speed":1.0},"dialect":"observed","outcomes":{"rules":[],"seed":0},"faults":[{"id":"f94c1a0e","kind":"empty","operations":["overage"],"remaining":null,"share":1.0,"seed":0,"seconds":0.0,"seconds_max":null,"at":0,"status":500,"message":"","charset":"","acts":true,"seen":0},{"id":"378cafeb","kind":"close","operations":["overage"],"remaining":null,"share":1.0,"seed":0,"seconds":0.0,"seconds_max":null,"at":0,"status":500,"message":"","charset":"","acts":true,"seen":0},{"id":"c278688d","kind":"charset","operations":["overage"],"remaining":null,"share":1.0,"seed":0,"seconds":0.0,"seconds_max":null,"at":0,"status":500,"message":"","charset":"utf-16","acts":true,"seen":0},{"id":"db9f547c","kind":"bom","operations":["overage"],"remaining":null,"share":1.0,"seed":0,"seconds":0.0,"seconds_max":null,"at":0,"status":500,"message":"","charset":"","acts":true,"seen":0},{"id":"7b177c00","kind":"hang","operations":["overage"],"remaining":null,"share":1.0,"seed":0,"seconds":0.0,"seconds_max":null,"at":0,"status":500,"message":"","charset":"","acts":false,"seen":0},{"id":"75815673","kind":"status","operations":["overage"],"remaining":null,"share":1.0,"seed":0,"seconds":0.0,"seconds_max":null,"at":0,"status":502,"message":"","charset":"","acts":false,"seen":0},{"id":"126fded0","kind":"latency","operations":["overage"],"remaining":null,"share":1.0,"seed":0,"seconds":0.5,"seconds_max":null,"at":0,"status":500,"message":"","charset":"","acts":true,"seen":0}],"throwaway":true}',0,1,1322835131.0,50,50,0,0,0);
CREATE TABLE fetches (
        queue INTEGER NOT NULL,
        first INTEGER NOT NULL,
        moment REAL NOT NULL,
        request INTEGER NOT NULL,
        PRIMARY KEY (queue, first)
    ) WITHOUT ROWID;
INSERT INTO "fetches" VALUES(2,0,1322835131.0,2);
CREATE TABLE items (
        queue INTEGER NOT NULL,
        place INTEGER NOT NULL,
        due REAL NOT NULL,
        mobile NOT NULL,
        task_id INTEGER NOT NULL,
        status INTEGER,
        said NOT NULL,
        extno NOT NULL,
        nth INTEGER,
        message INTEGER,
        PRIMARY KEY (queue, place)
    ) WITHOUT ROWID;
INSERT INTO "items" VALUES(2,0,1322835131.0,'15023239810',100001,10,'DELIVRD','',0,1);
INSERT INTO "items" VALUES(2,1,1322835131.0,'10000000030',100001,10,'DELIVRD','',3,4);
INSERT INTO "items" VALUES(3,0,1322835131.0,'10000000030',100001,NULL,'T','',NULL,NULL);
CREATE TABLE later (
        queue INTEGER NOT NULL,
        due REAL NOT NULL,
        arrival INTEGER NOT NULL,
        mobile NOT NULL,
        task_id INTEGER NOT NULL,
        status INTEGER,
        said NOT NULL,
        extno NOT NULL,
        nth INTEGER,
        message INTEGER,
        PRIMARY KEY (queue, due, arrival)
    ) WITHOUT ROWID;
INSERT INTO "later" VALUES(2,1322835191.0,0,'13800000001',100001,20,'X','',1,2);
CREATE TABLE leftovers (account INTEGER PRIMARY KEY);
CREATE TABLE queues (
        id INTEGER PRIMARY KEY,
        up INTEGER NOT NULL DEFAULT 0,
        handed_out INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0,
        later INTEGER NOT NULL DEFAULT 0,
        arrivals INTEGER NOT NULL DEFAULT 0
    , bytes INTEGER NOT NULL DEFAULT 0);
INSERT INTO "queues" VALUES(2,2,1,0,1,1,18);
INSERT INTO "queues" VALUES(3,1,0,0,0,0,0);
INSERT INTO "queues" VALUES(4,0,0,0,0,0,0);
INSERT INTO "queues" VALUES(5,0,0,0,0,0,0);
CREATE TABLE requests (
        number INTEGER PRIMARY KEY,
        userid NOT NULL,
        now REAL NOT NULL,
        bytes INTEGER NOT NULL,
        query BLOB NOT NULL,
        body BLOB NOT NULL,
        answer BLOB NOT NULL,
        rest TEXT NOT NULL
    );
INSERT INTO "requests" VALUES(1,'12',1322835131.0,1236,X'',X'7573657269643D31322674696D657374616D703D3230313131323032323231323131267369676E3D636139383861613135363263653833343062353132643666366630656265663826616374696F6E3D73656E64266D6F62696C653D313530323332333938313025324331333830303030303030312532433130303030303030303232253243313030303030303030333026636F6E74656E743D254533253830253930254537254144254245254535253930253844254533253830253931254534254244254130254535254135254244',X'3C3F786D6C2076657273696F6E3D22312E302220656E636F64696E673D227574662D3822203F3E3C72657475726E736D733E0A203C72657475726E7374617475733E537563636573733C2F72657475726E7374617475733E0A203C6D6573736167653E6F6B3C2F6D6573736167653E0A203C72656D61696E706F696E743E3939363C2F72656D61696E706F696E743E0A203C7461736B49443E3130303030313C2F7461736B49443E0A203C73756363657373436F756E74733E343C2F73756363657373436F756E74733E3C2F72657475726E736D733E','[1322835131.0, 0.001147937000496313, "POST", "/v2sms.aspx", [["Content-Type", "application/x-www-form-urlencoded"]], "send", "", null, 200, "text/xml; charset=utf-8", []]');
INSERT INTO "requests" VALUES(2,'12',1322835131.0,1181,X'',X'7573657269643D31322674696D657374616D703D3230313131323032323231323131267369676E3D636139383861613135363263653833343062353132643666366630656265663826616374696F6E3D7175657279267374617475734E756D3D31',X'3C3F786D6C2076657273696F6E3D22312E302220656E636F64696E673D227574662D3822203F3E3C72657475726E736D733E0A203C737461747573626F783E0A203C6D6F62696C653E31353032333233393831303C2F6D6F62696C653E0A203C7461736B69643E3130303030313C2F7461736B69643E0A203C7374617475733E31303C2F7374617475733E0A203C7265636569766574696D653E323031312D31322D30322032323A31323A31313C2F7265636569766574696D653E0A203C6572726F72636F64653E44454C495652443C2F6572726F72636F64653E0A203C6578746E6F3E3C2F6578746E6F3E0A203C2F737461747573626F783E0A203C2F72657475726E736D733E','[1322835131.0, 0.0005640499985020142, "POST", "/v2statusApi.aspx", [["Content-Type", "application/x-www-form-urlencoded"]], "status", "", 1, 200, "text/xml; charset=utf-8", ["lose"]]');
INSERT INTO "requests" VALUES(3,'78',1322835131.0,1141,X'',X'7573657269643D37382674696D657374616D703D3230313131323032323231323131267369676E3D653765333864353564643734363664656532376132353430303338383439346226616374696F6E3D73656E64266D6F62696C653D313530323332333938313026636F6E74656E743D78',X'3C3F786D6C2076657273696F6E3D22312E302220656E636F64696E673D227574662D3822203F3E3C72657475726E736D733E0A203C72657475726E7374617475733E537563636573733C2F72657475726E7374617475733E0A203C6D6573736167653E6F6B3C2F6D6573736167653E0A203C72656D61696E706F696E743E3939393C2F72656D61696E706F696E743E0A203C7461736B49443E3130303030323C2F7461736B49443E0A203C73756363657373436F756E74733E313C2F73756363657373436F756E74733E3C2F72657475726E736D733E','[1322835131.0, 0.00026773799982038327, "POST", "/v2sms.aspx", [["Content-Type", "application/x-www-form-urlencoded"]], "send", "", null, 200, "text/xml; charset=utf-8", []]');
CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        version INTEGER NOT NULL,
        tasks INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        settings TEXT NOT NULL,
        kept INTEGER NOT NULL,
        kept_bytes INTEGER NOT NULL,
        dropped INTEGER NOT NULL
    , evicted INTEGER NOT NULL DEFAULT 0);
INSERT INTO "state" VALUES(1,19,100003,7,'{"clock":null,"words":null,"faults":[{"id":"6a3a392b","kind":"message","operations":["checkkeyword"],"remaining":5,"share":1.0,"seed":0,"seconds":0.0,"seconds_max":null,"at":0,"status":500,"message":"\u5176\u4ed6\u9519\u8bef","charset":"","acts":false,"seen":0}]}',3,3558,0,0);
CREATE TABLE tasks (
        account INTEGER NOT NULL,
        before INTEGER NOT NULL,
        task_id INTEGER NOT NULL,
        moment REAL NOT NULL,
        due REAL NOT NULL,
        numbers TEXT NOT NULL,
        content NOT NULL,
        extno NOT NULL,
        page TEXT NOT NULL,
        price INTEGER NOT NULL,
        request INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (account, before)
    ) WITHOUT ROWID;
INSERT INTO "tasks" VALUES(1,0,100001,1322835131.0,1322835131.0,'["15023239810", "13800000001", "10000000022", "10000000030"]','【签名】你好','','/v2sms.aspx',1,1,62);
CREATE INDEX item_of_message ON items (queue, message) WHERE message IS NOT NULL;
CREATE INDEX later_of_message ON later (queue, message) WHERE message IS NOT NULL;
CREATE INDEX request_of_userid ON requests (userid, number);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('accounts',3);
COMMIT;
