//! kubeOP as its own manifests install it: both programs as Pods on a real node, judged as a platform engineer judges
//! them. One installation, and one test that walks over it: there is one real node per machine.

mod ground;
mod leader;
mod life;
mod manager_api;
mod outage;
mod pages;
mod restarts;
mod rights;
mod rules;
mod sample;
mod secrets;
mod uninstall;

use kubeop_tests::keeper::real_node;

use ground::Ground;

macro_rules! walk {
    ($ground:expr, $($step:path),+ $(,)?) => {
        $({
            let start = std::time::Instant::now();
            $step($ground).await;
            println!("{}: {:.1} s", stringify!($step), start.elapsed().as_secs_f64());
        })+
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn installed_by_its_own_manifests() {
    if !real_node::asked_for() {
        kubeop_tests::skip!("a real node is asked for by {}=1", real_node::SWITCH);
    }
    let ground = Ground::install().await;
    walk!(
        &ground,
        sample::the_users_sample_becomes_ready,
        sample::the_users_record_and_certificate_say_what_is_missing,
        manager_api::every_replica_tells_the_numbers_of_kubectl,
        manager_api::the_page_on_the_manager_api_holds,
        life::a_project_and_its_app_begin_and_end,
        rules::s18_labels_of_namespaces_are_reserved,
        rules::s51_tenant_project_and_app_go_in_one_sweep,
        rules::s57_the_clusters_namespaces_and_anothers_are_nobodys,
        rules::s16_s20_a_rule_that_tightens_stops_what_is_new,
        restarts::s14_s15_no_create_fails_while_the_webhook_and_its_certificates_are_replaced,
        restarts::s14_a_killed_replica_is_replaced,
        outage::s17_s60_an_outage_stays_in_project_namespaces,
        pages::the_page_on_upgrades_holds,
        pages::the_pages_on_certificates_and_backups_hold,
        outage::a_restarted_api_server_is_found_again,
        leader::a_leader_that_is_killed_in_mid_rollout_is_followed_by_another,
        pages::the_page_on_breaking_the_glass_holds,
        secrets::nothing_that_a_secret_holds_is_told,
        uninstall::s53_it_goes_and_leaves_everything_running,
        rights::every_rule_is_used,
        uninstall::s53_it_goes_without_release_and_takes_nothing_along,
    );
}
