package deploy

import (
	"net/http"

	"pipecat-cloud-deploy/internal/pipecat"
)

// response is what an error of the API says of the request that it answers.
type response int

const (
	responseLost         response = iota // nothing: the request may have been accepted
	responseBusy                         // it is to be sent again later: a conflict, or a limit of the rate
	responseRefused                      // it is no use to send it again, though something in between may say so
	responseRefusedByAPI                 // it is not one to accept, as the API itself says
)

// classify says what an error means for the request.
//
// https://docs.pipecat.ai/api-reference/pipecat-cloud/rest-reference/endpoint/agent-update
func classify(e *pipecat.Error) response {
	switch e.Status {
	case http.StatusConflict, http.StatusTooManyRequests:
		return responseBusy
	}
	if e.Temporary() {
		return responseLost
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
		if e.FromAPI {
			return responseRefusedByAPI
		}
	}
	return responseRefused
}
