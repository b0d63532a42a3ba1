//! People, sessions and tokens over gRPC.

use requorum_shared::api::v1::{
    CreateTokenRequest, CreateTokenResponse, EndSessionsRequest, EndSessionsResponse,
    InvitePersonRequest, ListPeopleRequest, ListPeopleResponse, ListSessionsRequest,
    ListSessionsResponse, ListTokensRequest, ListTokensResponse, PasswordLink, Person,
    PersonDependents, PersonRequest, RevokeTokenRequest, SetGrantsRequest, Token,
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
        Ok(Response::new(
            people::list(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn invite_person(&self, request: Request<InvitePersonRequest>) -> Answer<PasswordLink> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        Ok(Response::new(
            people::invite(&self.0, &actor, &request.name, &request.grants).await?,
        ))
    }

    async fn make_password_link(&self, request: Request<PersonRequest>) -> Answer<PasswordLink> {
        let actor = actor(&request)?;
        Ok(Response::new(
            people::make_link(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn set_grants(&self, request: Request<SetGrantsRequest>) -> Answer<Person> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        Ok(Response::new(
            people::set_grants(&self.0, &actor, &request.id, &request.grants).await?,
        ))
    }

    async fn disable_person(&self, request: Request<PersonRequest>) -> Answer<Person> {
        let actor = actor(&request)?;
        Ok(Response::new(
            people::disable(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn enable_person(&self, request: Request<PersonRequest>) -> Answer<Person> {
        let actor = actor(&request)?;
        Ok(Response::new(
            people::enable(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn get_dependents(&self, request: Request<PersonRequest>) -> Answer<PersonDependents> {
        let actor = actor(&request)?;
        Ok(Response::new(
            people::dependents(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Answer<ListSessionsResponse> {
        let actor = actor(&request)?;
        Ok(Response::new(
            sessions::list(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn end_sessions(
        &self,
        request: Request<EndSessionsRequest>,
    ) -> Answer<EndSessionsResponse> {
        let actor = actor(&request)?;
        let request = request.get_ref();
        let ended = sessions::end(&self.0, &actor, &request.person_id, &request.session_id).await?;
        Ok(Response::new(EndSessionsResponse { ended }))
    }

    async fn list_tokens(&self, request: Request<ListTokensRequest>) -> Answer<ListTokensResponse> {
        let actor = actor(&request)?;
        Ok(Response::new(
            tokens::list(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn create_token(
        &self,
        request: Request<CreateTokenRequest>,
    ) -> Answer<CreateTokenResponse> {
        let actor = actor(&request)?;
        Ok(Response::new(
            tokens::create(&self.0, &actor, request.get_ref()).await?,
        ))
    }

    async fn revoke_token(&self, request: Request<RevokeTokenRequest>) -> Answer<Token> {
        let actor = actor(&request)?;
        Ok(Response::new(
            tokens::revoke(&self.0, &actor, &request.get_ref().id).await?,
        ))
    }
}
