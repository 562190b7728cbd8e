//! What goes over the wire: claims, requests, responses, problem codes, feed frames
