"""Operates a server through NVFlare's own Python API with an admin kit: log in and, if asked, run one job.

usage: flare_api.py KIT [JOB_FOLDER]     prints one JSON document as its last line
"""

import json
import os
import sys
import time

from cryptography import x509
from cryptography.x509.oid import NameOID

started = time.monotonic()
kit = os.path.abspath(sys.argv[1])
with open(os.path.join(kit, "startup", "client.crt"), "rb") as file:
    subject = x509.load_pem_x509_certificate(file.read()).subject
user = subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value

from nvflare.fuel.flare_api.flare_api import new_secure_session  # noqa: E402

imported = time.monotonic()
session = new_secure_session(user, kit)
logged_in = time.monotonic()
try:
    info = session.get_system_info()
    answer = {
        "import_seconds": imported - started,
        "login_seconds": logged_in - imported,
        "server_status": info.server_info.status,
        "clients": sorted(client.name for client in info.client_info),
    }
    if len(sys.argv) > 2:
        job_id = session.submit_job(os.path.abspath(sys.argv[2]))
        session.monitor_job(job_id, timeout=120, poll_interval=0.5)
        answer["job_id"] = job_id
        answer["status"] = session.get_job_meta(job_id)["status"]
        answer["result"] = session.download_job_result(job_id)
finally:
    session.close()
print(json.dumps(answer))
