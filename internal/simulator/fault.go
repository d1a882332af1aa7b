package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"
)

// The faults are handlers around an honest one. Each is injected into the requests that
// its When selects.

// When selects requests.
type When func(*http.Request) bool

// Writes selects the requests that change something.
func Writes(r *http.Request) bool { return r.Method != http.MethodGet }

// Reads selects the others.
func Reads(r *http.Request) bool { return r.Method == http.MethodGet }

// Between selects the i-th to the j-th of the requests that when selects,
// counted from 1; a j of 0 has no end.
func Between(i, j int64, when When) When {
	var seen atomic.Int64
	return func(r *http.Request) bool {
		if !when(r) {
			return false
		}
		n := seen.Add(1)
		return n >= i && (j == 0 || n <= j)
	}
}

// inject puts a fault in the handler's stead.
func inject(h http.Handler, when When, fault http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if when(r) {
			fault(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Answer answers with a status, a header and a body in the handler's stead.
func Answer(h http.Handler, when When, status int, header http.Header, body string) http.Handler {
	return inject(h, when, func(w http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// Accepted lets the handler do its work, and answers with a status, a header and a
// body in its stead: a proxy's, or the platform's own that knows no better.
func Accepted(h http.Handler, when When, status int, header http.Header, body string) http.Handler {
	return inject(h, when, func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(httptest.NewRecorder(), r)
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// Edit lets the handler do its work, and changes its answer when that is a JSON
// object.
func Edit(h http.Handler, when When, edit func(answer map[string]any)) http.Handler {
	return inject(h, when, func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		var answer map[string]any
		body := recorder.Body.Bytes()
		if json.Unmarshal(body, &answer) == nil && answer != nil {
			edit(answer)
			body, _ = json.Marshal(answer) // as it was read
		}
		maps.Copy(w.Header(), recorder.Header())
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(body)
	})
}

// OtherName answers with the document of an agent of another name.
func OtherName(h http.Handler, when When) http.Handler {
	const id = "abababab-abab-4bab-8bab-abababababab"
	return Edit(h, when, func(doc map[string]any) {
		doc["name"], doc["desiredDeploymentId"], doc["activeDeploymentId"], doc["reconciledDeploymentId"] = "another-agent", id, id, id
		if d, ok := doc["deployment"].(map[string]any); ok {
			d["id"] = id
		}
	})
}

// NoDeployment answers with a document that names no deployment.
func NoDeployment(h http.Handler, when When) http.Handler {
	return Edit(h, when, func(doc map[string]any) {
		doc["desiredDeploymentId"], doc["activeDeploymentId"] = nil, nil
	})
}

// Lossy lets the handler do its work, and breaks the connection before the
// answer, or after half of it.
func Lossy(h http.Handler, when When, half bool) http.Handler {
	return inject(h, when, func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		if half {
			body := recorder.Body.Bytes()
			w.WriteHeader(recorder.Code)
			_, _ = w.Write(body[:len(body)/2])
		}
		panic(http.ErrAbortHandler)
	})
}

// Hang never answers.
func Hang(h http.Handler, when When) http.Handler {
	return inject(h, when, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// Delay lets the handler do its work, and holds its answer back for a time.
func Delay(h http.Handler, when When, by time.Duration) http.Handler {
	return inject(h, when, func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		pause(r.Context(), by)
		copyAnswer(w, recorder)
	})
}

// Late breaks the connection, and lets the handler do its work after a time.
func Late(h http.Handler, when When, after time.Duration) http.Handler {
	return inject(h, when, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		later := r.Clone(context.WithoutCancel(r.Context()))
		later.Body = io.NopCloser(bytes.NewReader(body))
		time.AfterFunc(after, func() { h.ServeHTTP(httptest.NewRecorder(), later) })
		panic(http.ErrAbortHandler)
	})
}

// Trickle sends the handler's answer byte by byte, with a break after each.
func Trickle(h http.Handler, when When, every time.Duration) http.Handler {
	return inject(h, when, func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		w.WriteHeader(recorder.Code)
		for _, b := range recorder.Body.Bytes() {
			if _, err := w.Write([]byte{b}); err != nil {
				return
			}
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			pause(r.Context(), every)
		}
	})
}

// Endless begins an agent's document, and never ends it.
func Endless(h http.Handler, when When) http.Handler {
	return inject(h, when, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.WriteString(w, `{"name":"`)
		chunk := bytes.Repeat([]byte("endless "), 4<<10)
		for err == nil {
			_, err = w.Write(chunk)
		}
	})
}

// pause waits, and breaks the connection when the caller has hung up.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

func copyAnswer(w http.ResponseWriter, recorder *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}
