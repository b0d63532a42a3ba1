//! People, sessions and tokens over gRPC.

use requorum_shared::api::v1::{
    CreateTokenRequest, CreateTokenResponse, DisablePersonRequest, DisablePersonResponse,
    EnablePersonRequest, EnablePersonResponse, EndSessionsRequest, EndSessionsResponse,
    GetDependentsRequest, GetDependentsResponse, InvitePersonRequest, InvitePersonResponse,
    ListPeopleRequest, ListPeopleResponse, ListSessionsRequest, ListSessionsResponse,
    ListTokensRequest, ListTokensResponse, MakePasswordLinkRequest, MakePasswordLinkResponse,
    RevokeTokenRequest, RevokeTokenResponse, SetGrantsRequest, SetGrantsResponse,
};
use tonic::{Request, Response, Status};

use super::actor;
use super::v1::people_service_server::PeopleService;
use crate::app::App;
use crate::ops::{people, sessions, tokens};

pub(super) struct People(pub(super) App);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl PeopleService for People {
    async fn list_people(&self, request: Request<ListPeopleRequest>) -> Answer<ListPeopleResponse> {
        let actor = actor(&request)?;
        let answer = people::list(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn invite_person(
        &self,
        request: Request<InvitePersonRequest>,
    ) -> Answer<InvitePersonResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let link = people::invite(&self.0, &actor, &request.name, &request.grants).await?;
        Ok(Response::new(InvitePersonResponse { link: Some(link) }))
    }

    async fn make_password_link(
        &self,
        request: Request<MakePasswordLinkRequest>,
    ) -> Answer<MakePasswordLinkResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let link = people::make_link(&self.0, &actor, &request.id).await?;
        Ok(Response::new(MakePasswordLinkResponse { link: Some(link) }))
    }

    async fn set_grants(&self, request: Request<SetGrantsRequest>) -> Answer<SetGrantsResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let person = people::set_grants(&self.0, &actor, &request.id, &request.grants).await?;
        Ok(Response::new(SetGrantsResponse {
            person: Some(person),
        }))
    }

    async fn disable_person(
        &self,
        request: Request<DisablePersonRequest>,
    ) -> Answer<DisablePersonResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let person = people::disable(&self.0, &actor, &request.id).await?;
        Ok(Response::new(DisablePersonResponse {
            person: Some(person),
        }))
    }

    async fn enable_person(
        &self,
        request: Request<EnablePersonRequest>,
    ) -> Answer<EnablePersonResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let person = people::enable(&self.0, &actor, &request.id).await?;
        Ok(Response::new(EnablePersonResponse {
            person: Some(person),
        }))
    }

    async fn get_dependents(
        &self,
        request: Request<GetDependentsRequest>,
    ) -> Answer<GetDependentsResponse> {
        let actor = actor(&request)?;
        let answer = people::dependents(&self.0, &actor, &request.get_ref().id).await?;
        Ok(Response::new(answer))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Answer<ListSessionsResponse> {
        let actor = actor(&request)?;
        let answer = sessions::list(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn end_sessions(
        &self,
        request: Request<EndSessionsRequest>,
    ) -> Answer<EndSessionsResponse> {
        let actor = actor(&request)?;
        let EndSessionsRequest {
            person_id,
            session_id,
        } = request.get_ref();
        let ended = sessions::end(&self.0, &actor, person_id, session_id).await?;
        Ok(Response::new(EndSessionsResponse { ended }))
    }

    async fn list_tokens(&self, request: Request<ListTokensRequest>) -> Answer<ListTokensResponse> {
        let actor = actor(&request)?;
        let answer = tokens::list(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn create_token(
        &self,
        request: Request<CreateTokenRequest>,
    ) -> Answer<CreateTokenResponse> {
        let actor = actor(&request)?;
        let answer = tokens::create(&self.0, &actor, request.get_ref()).await?;
        Ok(Response::new(answer))
    }

    async fn revoke_token(
        &self,
        request: Request<RevokeTokenRequest>,
    ) -> Answer<RevokeTokenResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let token = tokens::revoke(&self.0, &actor, &request.id).await?;
        Ok(Response::new(RevokeTokenResponse { token: Some(token) }))
    }
}
