package deploy

import (
	"io"
	"testing"

	"pipecat-cloud-deploy/internal/pipecat"
)

// TestClassify holds what each kind of error means for the request.
func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  pipecat.Error
		want response
	}{
		{"no answer", pipecat.Error{Err: io.ErrUnexpectedEOF}, responseLost},
		{"an answer that is cut", pipecat.Error{Status: 200, Err: io.ErrUnexpectedEOF}, responseLost},
		{"a refusal that is cut", pipecat.Error{Status: 400, FromAPI: true, Err: io.ErrUnexpectedEOF}, responseLost},
		{"a time-out", pipecat.Error{Status: 408, FromAPI: true}, responseLost},
		{"a fault of the API", pipecat.Error{Status: 500, FromAPI: true}, responseLost},
		{"a gateway", pipecat.Error{Status: 502}, responseLost},
		{"a page of no agent", pipecat.Error{Status: 404}, responseLost},
		{"a conflict", pipecat.Error{Status: 409, FromAPI: true}, responseBusy},
		{"a conflict that is cut", pipecat.Error{Status: 409, Err: io.ErrUnexpectedEOF}, responseBusy},
		{"a limit of the rate", pipecat.Error{Status: 429}, responseBusy},
		{"a firewall", pipecat.Error{Status: 403}, responseRefused},
		{"a redirect", pipecat.Error{Status: 302}, responseRefused},
		{"a status that says nothing of the request", pipecat.Error{Status: 405, FromAPI: true}, responseRefused},
		{"a wrong setting", pipecat.Error{Status: 400, FromAPI: true}, responseRefusedByAPI},
		{"a wrong key", pipecat.Error{Status: 401, FromAPI: true}, responseRefusedByAPI},
		{"no billing", pipecat.Error{Status: 402, FromAPI: true}, responseRefusedByAPI},
		{"no agent", pipecat.Error{Status: 404, FromAPI: true}, responseRefusedByAPI},
		{"a value that is not possible", pipecat.Error{Status: 422, FromAPI: true}, responseRefusedByAPI},
	} {
		if got := classify(&tt.err); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}
