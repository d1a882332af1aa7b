package simulator

import (
	"io"
	"net/http"
	"time"
)

// These faults are of requests with a long body, such as uploads.

// Cut takes so many bytes of a request, and breaks the connection.
func Cut(h http.Handler, when When, after int64) http.Handler {
	return inject(h, when, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, after)
		panic(http.ErrAbortHandler)
	})
}

// Stall takes so many bytes of a request, and then nothing for ever. It is for
// Transport: a server does not see that its caller has gone before it has read all.
func Stall(h http.Handler, when When, after int64) http.Handler {
	return inject(h, when, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, after)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// Slow lets the handler read so many bytes of a request at a time, with a break
// before each. The Cloud reads nothing but uploads without a lock.
func Slow(h http.Handler, when When, bytes int, every time.Duration) http.Handler {
	return inject(h, when, func(w http.ResponseWriter, r *http.Request) {
		slow := r.Clone(r.Context())
		slow.Body = slowBody{r, bytes, every}
		h.ServeHTTP(w, slow)
	})
}

type slowBody struct {
	of    *http.Request
	bytes int
	every time.Duration
}

func (b slowBody) Read(p []byte) (int, error) {
	timer := time.NewTimer(b.every)
	defer timer.Stop()
	select {
	case <-timer.C:
		return b.of.Body.Read(p[:min(len(p), b.bytes)])
	case <-b.of.Context().Done():
		return 0, b.of.Context().Err()
	}
}

func (b slowBody) Close() error { return b.of.Body.Close() }
