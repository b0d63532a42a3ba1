//! Lists that a page needs as a whole: asked for page by page, so that no message is too large.

use requorum_shared::api::v1::*;

use super::grpc;
use crate::failure::Failure;

/// Rows asked for at a time; the server gives no more.
pub const MOST: u32 = 200;

/// Declares one function for one list.
macro_rules! whole {
    ($(#[$doc:meta])* $name:ident, $request:ty, $response:ty, $rows:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// As the call's own.
        pub async fn $name(request: $request) -> Result<$response, Failure> {
            let mut request = <$request>::clone(&request);
            request.page_size = MOST;
            let mut whole = grpc::call(request.clone()).await?;
            while !whole.next_page_token.is_empty() {
                request.page_token = std::mem::take(&mut whole.next_page_token);
                let mut page = grpc::call(request.clone()).await?;
                whole.$rows.append(&mut page.$rows);
                whole.next_page_token = page.next_page_token;
            }
            Ok(whole)
        }
    };
}

whole!(
    /// All accounts.
    list_people, ListPeopleRequest, ListPeopleResponse, people
);
whole!(
    /// All open sessions of an account.
    list_sessions, ListSessionsRequest, ListSessionsResponse, sessions
);
whole!(
    /// All of one's own tokens, or everybody's.
    list_tokens, ListTokensRequest, ListTokensResponse, tokens
);
whole!(
    /// Names and ages of all credentials.
    list_credentials, ListCredentialsRequest, ListCredentialsResponse, credentials
);
whole!(
    /// All policies.
    list_policies, ListPoliciesRequest, ListPoliciesResponse, policies
);
whole!(
    /// All proposals of policies.
    list_policy_proposals, ListPolicyProposalsRequest, ListPolicyProposalsResponse, proposals
);
