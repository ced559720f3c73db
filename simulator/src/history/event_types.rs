//! Types of events that the API lists.

use std::collections::BTreeMap;

use serde::Serialize;

/// A type of event, as the API lists it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EventType {
    pub(crate) id: i64,
    pub(crate) name: String,
    /// A template: `%user% could not be created in %app%`.
    pub(crate) description: Option<String>,
}

/// Names and templates of provisioning events are as published. A few stand for the rest of the
/// vendor's five hundred, which have nothing to do with provisioning.
const TYPES: [(i64, &str, Option<&str>); 57] = [
    (1, "APP_ADDED_TO_ROLE", Some("%actor_user% added %app% to %role%")),
    (2, "APP_REMOVED_FROM_ROLE", Some("%actor_user% removed %app% from %role%")),
    (3, "USER_ASSUMED_BY_ACTOR", Some("%actor_user% assumed %user%")),
    (5, "USER_LOGGED_INTO_ONELOGIN", Some("%user% logged into OneLogin")),
    (6, "USER_FAILED_ONELOGIN_LOGIN", Some("%user% failed to log into OneLogin")),
    (7, "USER_LOGGED_OUT_OF_ONELOGIN", Some("%user% logged out of OneLogin")),
    (8, "USER_LOGGED_INTO_APP", Some("%user% logged into %app%")),
    (10, "USER_REQUESTED_PASSWORD", Some("%user% requested a new password")),
    (11, "USER_CHANGED_PASSWORD", Some("%user% changed their password: %note%")),
    (13, "USER_CREATED", Some("%actor_user% created %user%")),
    (14, "USER_UPDATED", Some("%actor_user% updated %user%")),
    (17, "USER_DELETED", Some("%actor_user% deleted %user%")),
    (22, "POLICY_ASSIGNED_TO_GROUP", Some("%actor_user% assigned %policy% to %group%")),
    (25, "PROVISIONING_EXCEPTION", Some("Internal provisioning error")),
    (26, "PROVISIONING_EVENT", Some("%note%")),
    (38, "APP_REACHED_USER_LIMIT", Some("%app% reached its user limit")),
    (39, "CONNECTOR_BROKEN", Some("The connector of %app% is broken")),
    (49, "UPDATE_USER_FAILED", Some("%user% could not be updated")),
    (51, "USER_CREATED_IN_APP", Some("%user% created in %app%")),
    (52, "USER_UPDATED_IN_APP", Some("%user% updated in %app%")),
    (53, "USER_SUSPENDED_IN_APP", Some("%user% suspended in %app%")),
    (54, "USER_REACTIVATED_IN_APP", Some("%user% reactivated in %app%")),
    (55, "USER_DELETED_IN_APP", Some("%user% deleted in %app%")),
    (59, "USER_LINKED_IN_APP", Some("%user% linked in %app%")),
    (60, "PROVISIONING_DEPROVISIONING_MODE_DO_NOTHING_WARNING", None),
    (61, "USER_FAILED_SUSPENDING_IN_APP", Some("%user% could not be suspended in %app%")),
    (62, "USER_FAILED_REACTIVATING_IN_APP", Some("%user% could not be reactivated in %app%")),
    (63, "USER_FAILED_DELETING_IN_APP", Some("%user% could not be deleted in %app%")),
    (64, "USER_FAILED_CREATING_IN_APP", Some("%user% could not be created in %app%")),
    (65, "USER_FAILED_UPDATING_IN_APP", Some("%user% could not be updated in %app%")),
    (79, "AD_CONNECTOR_PROVISIONING_ERROR", Some("%user% could not be provisioned in %directory%")),
    (80, "USER_CREATED_IN_DIRECTORY", Some("%user% created in %directory%")),
    (81, "USER_UPDATED_IN_DIRECTORY", Some("%user% updated in %directory%")),
    (82, "USER_SUSPENDED_IN_DIRECTORY", Some("%user% suspended in %directory%")),
    (83, "USER_REACTIVATED_IN_DIRECTORY", Some("%user% reactivated in %directory%")),
    (84, "USER_DELETED_IN_DIRECTORY", Some("%user% deleted in %directory%")),
    (85, "APP_COULD_NOT_AUTHENTICATE", Some("%app% could not authenticate")),
    (111, "APP_LOGINS_UPDATE_FAILED", None),
    (116, "CREATE_USER_FAILED", Some("%user% could not be created")),
    (121, "SCRIPTLET_ERROR", Some("%note%")),
    (125, "ENTITLEMENT_ACTION", None),
    (133, "DIRECTORY_EXPORT_EXCEPTION", None),
    (206, "MANUALLY_ADDED_LOGIN", Some("%actor_user% added a login for %user% to %app%")),
    (207, "MANUALLY_REMOVED_LOGIN", Some("%actor_user% removed the login of %user% from %app%")),
    (208, "RETRIED_PROVISIONING", Some("%actor_user% retried provisioning of %user% in %app%")),
    (237, "DELETE_USER_FAILED", Some("%user% could not be deleted")),
    (250, "PROVISIONING_APP_CONFIG_ERROR", None),
    (251, "PROVISIONING_APP_THROTTLED", None),
    (252, "USER_REMOVELOGINS_FAILED", None),
    (253, "ENTITLEMENT_MAPPINGS_FAILED", None),
    (254, "ENTITLEMENT_MAPPINGS_REAPPLIED", None),
    (255, "MANUALLY_UPDATED_LOGIN", None),
    (306, "MANUALLY_ADDED_LOGIN_FAILURE", None),
    (307, "LDAP_CONNECTOR_PROVISIONING_ERROR", None),
    (334, "USER_NOT_UPDATED_IN_APP", Some("%user% was not updated in %app%")),
    (907, "DIRECTORY_EXPORT_SUCCESS", None),
    (3028, "A_TYPE_THAT_NO_LIST_KNOWS", None),
];

/// All types by id.
pub(crate) fn all_event_types() -> BTreeMap<i64, EventType> {
    TYPES
        .iter()
        .map(|&(id, name, description)| {
            let description = description.map(str::to_owned);
            (id, EventType { id, name: name.to_owned(), description })
        })
        .collect()
}
