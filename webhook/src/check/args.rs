//! What can be said on the command line.

use kubeop_shared::image::Allowlist;
use std::path::PathBuf;

/// Says what admission would say about manifests, without a cluster.
///
/// Each object that the API server would send to the webhook is mutated and judged by the webhook's own rules, and what
/// they refuse or warn of is printed in their own words. All else is passed over, and counted. Objects are judged as new
/// ones: what may stand in a cluster already is not known here, nor are checks of the API server itself (schemas).
///
/// Exit status: 0 all is allowed, 1 something is refused, 2 something cannot be read (all else is still judged).
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  kubeop-webhook check -f deploy/ --project platform/web.yaml -n kubeop-web
  kustomize build overlays/prod | kubeop-webhook check -f - --project platform/ --tenant platform/
  kubeop-webhook check -f deploy/ --context prod --output github")]
pub struct CheckArgs {
    /// Manifests: a file, a folder with all that lies below it (.yaml, .yml, .json), or - for standard input. Projects
    /// and Tenants among them are known to the others, wherever they stand.
    #[arg(short = 'f', long = "filename", required = true, num_args = 1.., value_name = "FILE|DIR|-")]
    pub files: Vec<PathBuf>,

    /// Files or folders with the Projects that hold in the cluster. They are not judged. Tenants in them count, too.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub project: Vec<PathBuf>,

    /// Files or folders with the Tenants that hold in the cluster. They are not judged. Projects in them count, too.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub tenant: Vec<PathBuf>,

    /// Registries that the cluster allows, as the webhook has them. Default: those of the cluster that --context names;
    /// without that, any, where no Tenant or Project narrows.
    #[arg(long, env = "KUBEOP_IMAGE_ALLOWLIST", value_parser = Allowlist::parse_comma_separated)]
    pub image_allowlist: Option<Allowlist>,

    /// Namespace of objects that name none, as of kubectl apply -n. Default: as kubectl, the namespace of the context,
    /// else default. An App there that belongs elsewhere is refused, as it would be.
    #[arg(short, long)]
    pub namespace: Option<String>,

    /// Who applies, as the cluster will name them. Only an App that says its author itself is told otherwise by it.
    #[arg(long = "as", value_name = "USER", default_value = "")]
    pub user: String,

    /// Id of the cluster in ownership labels. Default: that of the cluster that --context names; without that, no such
    /// label is judged.
    #[arg(long, env = "KUBEOP_CLUSTER_ID")]
    pub cluster_id: Option<String>,

    /// Reads Projects, Tenants, DNSRecords, the allowlist and the cluster's id from the cluster of this context of the
    /// kubeconfig. Only reads. Files come on top.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// How the answer is printed: for people, as JSON, as annotations of a GitHub workflow, or as SARIF 2.1.0.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// How the answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
    /// SARIF 2.1.0.
    Sarif,
}
