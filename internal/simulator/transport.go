package simulator

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// Transport reaches a handler without a network, and so in the virtual time of
// testing/synctest too. A handler that panics with http.ErrAbortHandler breaks
// the connection, as it does in a server; what it has written by then arrives. A
// WebSocket goes through it, too.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

var errReset = errors.New("connection reset by peer")

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, hangUp := context.WithCancel(context.WithoutCancel(r.Context()))
	unbind := context.AfterFunc(r.Context(), hangUp)
	served := r.Clone(ctx) // as a server sees it
	served.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	served.Host, served.RequestURI = r.URL.Host, r.URL.RequestURI()
	switch {
	case r.Body == nil:
		served.Body = http.NoBody
	case r.Body != http.NoBody && r.ContentLength == 0: // which means that it is not known
		served.ContentLength, served.TransferEncoding = -1, []string{"chunked"}
	}
	body, writer := io.Pipe()
	w := &wire{header: http.Header{}, begun: make(chan struct{}), body: writer}
	context.AfterFunc(ctx, func() { _ = body.CloseWithError(ctx.Err()) })
	go func() {
		defer func() {
			switch reason := recover(); {
			case reason == nil:
				w.begin(http.StatusOK, nil)
				_ = writer.Close()
			case reason == http.ErrAbortHandler:
				w.begin(0, errReset)
				_ = writer.CloseWithError(io.ErrUnexpectedEOF)
			default:
				panic(reason)
			}
		}()
		defer served.Body.Close()
		t.handler.ServeHTTP(w, served)
	}()
	select {
	case <-w.begun:
	case <-ctx.Done():
		w.begin(0, ctx.Err())
	}
	switch {
	case w.err == nil:
	case r.Context().Err() != nil: // by which the handler may have broken off
		hangUp()
		return nil, r.Context().Err()
	default:
		hangUp()
		return nil, w.err
	}
	if w.ours != nil { // the connection outlives the request
		unbind()
	}
	return &http.Response{
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Status: http.StatusText(w.status), StatusCode: w.status, Header: w.sent,
		Body: w.answer(body, hangUp), ContentLength: -1, Request: r,
	}, nil
}

// wire is what a handler writes its answer to.
type wire struct {
	header http.Header
	body   *io.PipeWriter

	once   sync.Once
	begun  chan struct{} // closed when what follows is set
	status int
	sent   http.Header
	err    error    // why there is no answer
	ours   net.Conn // once the handler speaks another protocol, its caller's end
	theirs net.Conn
}

// begin settles how the answer begins, the first time it is called.
func (w *wire) begin(status int, err error) {
	w.once.Do(func() {
		w.status, w.err = status, err
		if status == http.StatusSwitchingProtocols {
			w.ours, w.theirs = net.Pipe()
		}
		if err == nil { // else the handler may write to it yet
			w.sent = w.header.Clone()
		}
		close(w.begun)
	})
}

func (w *wire) Header() http.Header    { return w.header }
func (w *wire) WriteHeader(status int) { w.begin(status, nil) }

func (w *wire) Write(p []byte) (int, error) {
	w.begin(http.StatusOK, nil)
	return w.body.Write(p)
}

// Hijack gives the handler the connection, once it has answered that it switches
// protocols.
func (w *wire) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.begin(http.StatusSwitchingProtocols, nil); w.theirs == nil {
		return nil, nil, errors.New("it has answered already")
	}
	return w.theirs, bufio.NewReadWriter(bufio.NewReader(w.theirs), bufio.NewWriter(w.theirs)), nil
}

// answer is the body of the answer: what the handler writes, or the connection.
func (w *wire) answer(body io.Reader, hangUp context.CancelFunc) io.ReadCloser {
	if w.ours != nil {
		return connection{w.ours, hangUp}
	}
	return answerBody{body, hangUp}
}

// connection hangs up when it is closed.
type connection struct {
	net.Conn
	hangUp context.CancelFunc
}

func (c connection) Close() error {
	c.hangUp()
	return c.Conn.Close()
}

// answerBody hangs up when it is closed.
type answerBody struct {
	io.Reader
	hangUp context.CancelFunc
}

func (b answerBody) Close() error {
	b.hangUp()
	return nil
}
