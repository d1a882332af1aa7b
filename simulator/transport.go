package simulator

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
)

// Transport reaches a handler without a network, and so in the virtual time of
// testing/synctest too. A handler that panics with http.ErrAbortHandler breaks
// the connection, as it does in a server.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

var errReset = errors.New("connection reset by peer")

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	served := r.Clone(r.Context()) // as a server sees it
	served.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	served.Host, served.RequestURI = r.URL.Host, r.URL.RequestURI()
	if r.Body == nil {
		served.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	broken := make(chan bool, 1)
	go func() {
		defer func() {
			reason := recover()
			if reason != nil && reason != http.ErrAbortHandler {
				panic(reason)
			}
			broken <- reason != nil
		}()
		t.handler.ServeHTTP(recorder, served)
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case cut := <-broken:
		if cut && recorder.Body.Len() == 0 {
			return nil, errReset
		}
		resp := recorder.Result()
		resp.Request = r
		if cut {
			resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(recorder.Body.Bytes()), failing{}))
		}
		return resp, nil
	}
}

// failing is the rest of an answer that was cut.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
