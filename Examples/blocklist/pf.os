# window:ttl:df:size:options:genre:version:subtype:details
1024:255:0:44:M*:Scanner:syn::a SYN with nothing but a segment size
*:64:1:60:M*,S,T,N,W7:Penguin:6::what browsers on Linux send
