//! What an administrator does to an etcd: certificates, users, and room in it.

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, Client, CompactionOptions, Permission};

use crate::etcd_server::Server;

/// An authority that signs certificates.
pub(crate) struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        Authority { certificate, issuer: rcgen::Issuer::new(params, key) }
    }

    /// A certificate for this name, and its key, in PEM.
    pub(crate) fn sign(&self, name: &str) -> (String, String) {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("signed").pem(), key.serialize_pem())
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }
}

impl Server {
    /// Starts what was prepared as a cluster of one that speaks with those alone who have a certificate of the
    /// authority's.
    pub(crate) fn start_with_tls(&mut self, authority: &Authority) {
        let (certificate, key) = authority.sign(&self.address().to_string());
        let flags = [
            format!("--cert-file={}", self.keep("cert", &certificate)),
            format!("--key-file={}", self.keep("key", &key)),
            format!("--trusted-ca-file={}", self.keep("ca", &authority.pem())),
            "--client-cert-auth".to_owned(),
        ];
        self.start_with("https", &flags.each_ref().map(String::as_str));
    }

    /// From now on it asks for names and passwords: `root` may do all, `berth` what lies below `/berth/`, each by its
    /// name and `'s`.
    pub(crate) async fn ask_for_passwords(&self) {
        let mut auth = self.client().await.auth_client();
        auth.role_add("root").await.expect("a role");
        for (name, role) in [("root", "root"), ("berth", "berth")] {
            if role != "root" {
                auth.role_add(role).await.expect("a role");
                let permission = Permission::read_write("/berth/").with_prefix();
                auth.role_grant_permission(role, permission).await.expect("a permission");
            }
            auth.user_add(name, format!("{name}'s"), None).await.expect("a user");
            auth.user_grant_role(name, role).await.expect("a grant");
        }
        auth.auth_enable().await.expect("authentication");
    }

    /// Forgets its history, gives back the room, and takes writes again.
    pub(crate) async fn make_room(&self) {
        let client = self.client().await;
        let mut keys = client.kv_client();
        let now = keys.get("/", None).await.expect("an answer").header().expect("a header").revision();
        keys.compact(now, Some(CompactionOptions::new().with_physical())).await.expect("compact");
        let mut maintenance = client.maintenance_client();
        maintenance.defragment().await.expect("defragment");
        let alarms = maintenance.alarm(AlarmAction::Get, AlarmType::None, None).await.expect("alarms");
        for alarm in alarms.alarms() {
            let mut member = AlarmOptions::new();
            member.with_member(alarm.member_id());
            maintenance.alarm(AlarmAction::Deactivate, alarm.alarm(), Some(member)).await.expect("disarm");
        }
    }

    /// A client of etcd's own, once it answers.
    async fn client(&self) -> Client {
        self.open().await.close();
        Client::connect([self.url()], None).await.expect("etcd")
    }
}
