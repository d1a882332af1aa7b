package simulator

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
)

//go:embed contract.yaml
var contract []byte

// Contract holds a handler and its caller to contract.yaml: broken is called
// for each request and each response that does not have its shape. It belongs around
// an honest handler, inside of the faults.
func Contract(h http.Handler, broken func(error)) (http.Handler, error) {
	doc, err := openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		return nil, err
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	options := &openapi3filter.Options{
		AuthenticationFunc: func(context.Context, *openapi3filter.AuthenticationInput) error { return nil },
		MultiError:         true,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if IsUpload(r) || strings.HasPrefix(r.URL.Path, "/ws/") { // which is no part of the API
			h.ServeHTTP(w, r)
			return
		}
		tell := func(what string, err error) {
			if err != nil {
				broken(fmt.Errorf("%s %s: %s: %w", r.Method, r.URL.Path, what, err))
			}
		}
		route, params, err := router.FindRoute(r)
		if err != nil {
			tell("route", err)
			h.ServeHTTP(w, r)
			return
		}
		request := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
		tell("request", openapi3filter.ValidateRequest(r.Context(), request))

		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		answer := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: request,
			Status:                 recorder.Code,
			Header:                 recorder.Header(),
			Body:                   io.NopCloser(bytes.NewReader(recorder.Body.Bytes())),
			Options:                options,
		}
		tell("answer", openapi3filter.ValidateResponse(r.Context(), answer))

		copyAnswer(w, recorder)
	}), nil
}
